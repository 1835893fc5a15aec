#include "predicate/pattern.h"

#include <gtest/gtest.h>

namespace tracestore::predicate {
namespace {

TEST(Pattern, SaysWhatIsWrongInGosWords) {
  EXPECT_EQ(PatternProblem("a.*b|[x-z]{2}"), std::nullopt);
  EXPECT_EQ(PatternProblem("[a"), "error parsing regexp: missing closing ]: `[a`");
  EXPECT_EQ(PatternProblem("(a"), "error parsing regexp: missing closing ): `(a`");
  EXPECT_EQ(PatternProblem("a)"), "error parsing regexp: unexpected ): `a)`");
  EXPECT_EQ(PatternProblem("*a"),
            "error parsing regexp: missing argument to repetition operator: `*`");
  EXPECT_EQ(PatternProblem("a**"),
            "error parsing regexp: invalid nested repetition operator: `**`");
  EXPECT_EQ(PatternProblem("[z-a]"), "error parsing regexp: invalid character class range: `z-a`");
  EXPECT_EQ(PatternProblem("\\8"), "error parsing regexp: invalid escape sequence: `\\8`");
  EXPECT_EQ(PatternProblem("(?=a)"),
            "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
}

TEST(Pattern, TellsWhatEnginesReadDifferently) {
  for (const char* text : {"^a", "a$", "\\A", "\\z", "(^a)", "[a]^"})
    EXPECT_TRUE(TraitsOf(text).anchor) << text;
  for (const char* text : {"\\ba", "\\B"}) EXPECT_TRUE(TraitsOf(text).word_boundary) << text;
  for (const char* text : {"a*?", "a+?", "a??", "a{2}?", "a{2,}?", "a{2,5}?", "(?U)a", "(?sU:a)"})
    EXPECT_TRUE(TraitsOf(text).lazy) << text;
  for (const char* text : {"(?i)a", "(?si:a)", "b(?i)a"})
    EXPECT_TRUE(TraitsOf(text).folds_case) << text;
  for (const char* text :
       {"a",      "",     "[$^]",        "[^a]", "[]^]",      "[[:word:]$]", "[\\]$]",
        "\\$",    "\\\\", "\\Q^$.*?\\E", "\\Q^", "(?P<iU>a)", "(?s)a",       "(?-i)a",
        "(?:a)?", "a?b?", "{?",          "}?",   "a{,2}?",    "a{2"}) {
    const PatternTraits traits = TraitsOf(text);
    EXPECT_FALSE(traits.anchor || traits.word_boundary || traits.lazy || traits.folds_case) << text;
  }
}

TEST(Pattern, MatchesAnywhere) {
  EXPECT_TRUE(PatternMatches("er", "server"));
  EXPECT_FALSE(PatternMatches("x", "server"));
  EXPECT_FALSE(PatternMatches("[", "["));
}

}  // namespace
}  // namespace tracestore::predicate

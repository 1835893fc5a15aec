#include "service/config_file.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

namespace tracestore::tools {
namespace {

// Aliases make a small text a large tree, or one without an end: bounds of what is walked.
constexpr std::size_t kMaxNodes = 10'000;
constexpr std::size_t kMaxNameBytes = 1'024;
constexpr std::size_t kMaxValueBytes = 4 * kMaxConfigBytes;

// A node that waits, with the name of its path.
struct Waiting {
  std::string name;
  YAML::Node node;
};

class Flattener {
 public:
  Flattener(const std::string& file, std::vector<Given>& out) : file_(file), out_(out) {}

  // Depth first in the file's order, on a stack of our own.
  Status Flatten(const YAML::Node& root) {
    stack_.push_back({"", root});
    for (std::size_t nodes = 0; !stack_.empty(); ++nodes) {
      if (nodes == kMaxNodes) return Wrong(root, "more than 10,000 keys and values");
      const Waiting next = std::move(stack_.back());
      stack_.pop_back();
      if (const Status taken = Take(next); !taken.has_value()) return taken;
    }
    return {};
  }

 private:
  std::string Where(const YAML::Node& node) const {
    return file_ + ":" + std::to_string(node.Mark().line + 1);
  }
  Error Wrong(const YAML::Node& node, const std::string& why) const {
    return {ErrorCode::kInvalidArgument, Where(node) + ": " + why};
  }

  Status Take(const Waiting& waiting) {
    const YAML::Node& node = waiting.node;
    const Setting* setting = FindSetting(waiting.name);
    if (setting != nullptr && IsStructured(*setting)) {
      const bool text = node.IsScalar() || node.IsNull();
      return Emit(waiting.name, text ? node.as<std::string>("") : YAML::Dump(node), node);
    }
    if (node.IsMap()) return TakeMap(waiting);
    if (waiting.name.empty() && node.IsNull()) return {};  // an empty file
    if (waiting.name.empty()) return Wrong(node, "the file is no map of settings");
    if (!node.IsSequence()) return Emit(waiting.name, node.IsNull() ? "" : node.Scalar(), node);
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) {
        return Wrong(item, "'" + waiting.name + "' takes a list of texts");
      }
      if (const Status added = Add(waiting.name, item.Scalar(), item); !added.has_value())
        return added;
    }
    // A list of none is said, too: the default is another one.
    if (node.size() == 0) return Emit(waiting.name, "", node);
    return Once(waiting.name, node);
  }

  Status TakeMap(const Waiting& waiting) {
    std::vector<Waiting> children;
    for (const auto& entry : waiting.node) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar()) return Wrong(key, "a key is a text");
      const std::string prefix = waiting.name.empty() ? "" : waiting.name + ".";
      if (prefix.size() + key.Scalar().size() > kMaxNameBytes)
        return Wrong(key, "a name of more than 1,024 bytes is no setting's");
      children.push_back({prefix + key.Scalar(), entry.second});
      if (children.size() > kMaxNodes) return Wrong(key, "more than 10,000 keys and values");
    }
    stack_.insert(stack_.end(), std::make_move_iterator(children.rbegin()),
                  std::make_move_iterator(children.rend()));
    return {};
  }

  Status Emit(const std::string& name, std::string value, const YAML::Node& node) {
    if (const Status added = Add(name, std::move(value), node); !added.has_value()) return added;
    return Once(name, node);
  }

  Status Add(const std::string& name, std::string value, const YAML::Node& node) {
    value_bytes_ += name.size() + value.size();
    if (value_bytes_ > kMaxValueBytes) return Wrong(node, "the values are longer than 4 MiB");
    out_.push_back({name, std::move(value), Where(node)});
    return {};
  }

  // YAML's maps keep a key that stands twice, and dots give two paths to one name.
  Status Once(const std::string& name, const YAML::Node& node) {
    const auto [before, first] = lines_.emplace(name, node.Mark().line + 1);
    if (first) return {};
    return Wrong(node,
                 "'" + name + "' is set in line " + std::to_string(before->second) + " already");
  }

  const std::string& file_;
  std::vector<Given>& out_;
  std::vector<Waiting> stack_;
  std::size_t value_bytes_ = 0;
  std::map<std::string, int> lines_;
};

}  // namespace

Result<std::vector<Given>> ParseConfig(std::string_view text, const std::string& file) {
  if (text.size() > kMaxConfigBytes) {
    return Error(ErrorCode::kInvalidArgument, file + ": a configuration has at most 1 MiB");
  }
  try {
    std::vector<Given> given;
    Flattener flattener(file, given);
    const Status flat = flattener.Flatten(YAML::Load(std::string(text)));
    if (!flat.has_value()) return flat.error();
    return given;
  } catch (const YAML::Exception& error) {
    return Error(ErrorCode::kInvalidArgument,
                 file + ":" + std::to_string(error.mark.line + 1) + ": no YAML: " + error.msg);
  }
}

Result<std::vector<Given>> ReadConfigFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error(ErrorCode::kIo, "cannot read " + path + ": " + std::strerror(errno));
  }
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.gcount() == 0 && !file.eof())) {
    return Error(ErrorCode::kIo, "cannot read " + path + ": " + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return ParseConfig(text, path);
}

}  // namespace tracestore::tools

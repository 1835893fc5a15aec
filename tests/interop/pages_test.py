"""Web pages in a real browser: Zipkin's own (Lens, from its Maven artifact) searches and opens a
trace of the store; a build of Jaeger's pages gets its configuration and reaches the API.

Usage: pages_test.py PROGRAM CLIENTS
Exit 77 (skipped) where something isn't installed, but not in CI
"""

import json
import os
import shutil
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from service import Service

PROGRAM, CLIENTS = sys.argv[1], Path(sys.argv[2])
LENS = sorted((CLIENTS / "zipkin_lens/lib").glob("zipkin-lens-*.jar"))


def missing():
    """What is needed and isn't there, or None."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium (scripts/bootstrap makes .venv with it)"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "chromium and chromedriver (scripts/bootstrap --clients)"
    return None if LENS else "zipkin-lens (scripts/bootstrap --clients)"


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service as Driver
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--window-size=1400,1000", "--lang=en-US",
                         f"--user-data-dir={cls.scratch.name}/browser"):
            options.add_argument(argument)
        cls.browser = webdriver.Chrome(options=options,
                                       service=Driver(executable_path=shutil.which("chromedriver")))
        cls.addClassCleanup(cls.browser.quit)
        cls.browser.set_page_load_timeout(120)

    def wait(self, what, condition):
        """Gives what the condition gives once it gives something."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait
        return WebDriverWait(self.browser, 120, ignored_exceptions=[
            StaleElementReferenceException]).until(condition, what)

    def text(self):
        return self.browser.execute_script("return document.body.innerText")

    def wait_for_text(self, text):
        self.wait(f"no '{text}' on the page",
                  lambda _: text.lower() in self.text().lower())

    def button(self, *words):
        """The first button with one of these texts, in any case."""
        def found(browser):
            for one in browser.find_elements("css selector", "button, a"):
                if one.text.strip().lower() in words and one.is_displayed():
                    return one
            return None
        return self.wait(f"no button {words}", found)

    def test_lens_searches_and_opens_a_trace(self):
        trace = "0af7651916cd43dd8448eb211c80319c"
        now = time.time_ns() // 1000 - 5_000_000

        def span(number, name, service, kind, parent=None):
            one = {"traceId": trace, "id": f"{number:016x}", "name": name, "kind": kind,
                   "timestamp": now + number * 1000, "duration": 90_000 // number,
                   "localEndpoint": {"serviceName": service},
                   "tags": {"http.path": f"/of/{service}"}}
            return {**one, "parentId": f"{parent:016x}"} if parent else one

        with Service(PROGRAM, Path(self.scratch.name) / "store", "--lens", str(LENS[-1]),
                     "--zipkin.ui.environment=the-shop") as service:
            body = json.dumps([span(1, "get /cart", "frontend", "SERVER"),
                               span(2, "load", "frontend", "CLIENT", 1),
                               span(3, "select", "cart-store", "SERVER", 2)]).encode()
            request = urllib.request.Request(service.url("zipkin", "/api/v2/spans"), body,
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.assertEqual(answer.status, 202)
            self.assertIn('"environment":"the-shop"',
                          service.get("zipkin", "/zipkin/config.json")[1])
            # From the root to the page, by its redirection.
            self.browser.get(service.url("zipkin", "/"))
            self.assertTrue(self.browser.current_url.startswith(service.url("zipkin", "/zipkin/")))
            self.button("run query").click()
            self.wait_for_text("frontend")
            self.wait_for_text("get /cart")
            self.button("show").click()
            self.wait("no trace in the address",
                      lambda browser: f"/zipkin/traces/{trace}" in browser.current_url)
            self.wait_for_text("cart-store")
            self.wait_for_text("select")
            # The same by its address alone.
            self.browser.get(service.url("zipkin", f"/zipkin/traces/{trace}"))
            self.wait_for_text("cart-store")
            self.browser.get(service.url("zipkin", "/zipkin/dependency"))
            self.button("run query").click()
            self.wait("no dependency was asked for", lambda _: any(
                "/api/v2/dependencies" in one["name"] for one in self.browser.execute_script(
                    "return performance.getEntriesByType('resource').map(e => ({name: e.name}))")))
            service.stop()

    def test_a_build_of_jaegers_pages_is_told_and_asks(self):
        # Jaeger's build isn't in a registry: a page with its marks, which shows what it is told.
        build = Path(self.scratch.name) / "build"
        (build / "static").mkdir(parents=True)
        (build / "index.html").write_text("""<!doctype html><html><head><base href="/" />
<script>
  function getJaegerUiConfig() {
    // JAEGER_CONFIG_JS
    // the line above may be replaced by user-provided JS file
    if (typeof UIConfig === 'function') { return UIConfig(); }
    const DEFAULT_CONFIG = null;
    const JAEGER_CONFIG = DEFAULT_CONFIG;
    return JAEGER_CONFIG;
  }
  const DEFAULT_STORAGE_CAPABILITIES = null, DEFAULT_VERSION = null;
  const JAEGER_STORAGE_CAPABILITIES = DEFAULT_STORAGE_CAPABILITIES;
  const JAEGER_VERSION = DEFAULT_VERSION;
</script><script defer src="static/main-1a2b.js"></script></head><body></body></html>
""")
        (build / "static/main-1a2b.js").write_text("""
          fetch('api/services').then(answer => answer.json()).then(services => {
            document.body.innerText = JSON.stringify({
              config: getJaegerUiConfig(), version: JAEGER_VERSION.gitVersion,
              storage: JAEGER_STORAGE_CAPABILITIES, services: services, path: location.pathname});
          });""")
        config = Path(self.scratch.name) / "ui.json"
        config.write_text('{ "menu": ["</script><b>not a tag</b>"] }')
        with Service(PROGRAM, Path(self.scratch.name) / "empty", f"--query.static-files={build}",
                     f"--query.ui-config={config}", "--query.base-path=/jaeger") as service:
            self.browser.get(service.url("query", "/jaeger/search?service=a"))
            self.wait_for_text('"services"')
            said = json.loads(self.text())
            self.assertEqual(said["config"], {"menu": ["</script><b>not a tag</b>"]})
            self.assertEqual(said["storage"]["archiveStorage"], True)
            self.assertRegex(said["version"], r"^\d+\.\d+\.\d+")
            self.assertEqual(said["services"]["errors"], None)
            self.assertEqual(said["path"], "/jaeger/search")
            self.assertEqual(service.get("query", "/jaeger/api/unknown")[0], 404)
            self.assertEqual(service.get("query", "/jaeger/static/no.js")[0], 404)
            service.stop()
        config = Path(self.scratch.name) / "ui.js"
        config.write_text("function UIConfig() { return {from: 'a function'}; }\n")
        with Service(PROGRAM, Path(self.scratch.name) / "empty", f"--query.static-files={build}",
                     f"--query.ui-config={config}") as service:
            self.browser.get(service.url("query", "/"))
            self.wait_for_text('"services"')
            self.assertEqual(json.loads(self.text())["config"], {"from": "a function"})
            service.stop()


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        print(f"pages_test: not run: no {lacking}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    unittest.main(argv=sys.argv[:1])

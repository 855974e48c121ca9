// The reference of the API, by Scalar: of our own description, without a request to anybody else.
import { createApiReference } from "@scalar/api-reference";
import "@scalar/api-reference/style.css";
import "./reference.css";

const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

adoptStyles();
document.getElementById("waiting").remove();
createApiReference("#reference", {
  url: "/parrot-classifier/openapi.json",
  // Locally any name is a user, so requests can be tried at once.
  authentication: {
    preferredSecurityScheme: "firebase",
    securitySchemes: { firebase: { token: here ? "local:me" : "" } },
  },
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  agent: { disabled: true },
  mcp: { disabled: true },
  telemetry: false,
  withDefaultFonts: false,
  hideClientButton: true,
  showDeveloperTools: "never",
});

/** Our security policy refuses `<style>`; what the library writes there is adopted by the document. */
function adoptStyles() {
  const sheets = new Map();
  const adopt = (style) => {
    if (!sheets.has(style)) {
      sheets.set(style, new CSSStyleSheet());
      document.adoptedStyleSheets.push(sheets.get(style));
    }
    sheets.get(style).replaceSync(style.textContent);
  };
  document.querySelectorAll("style").forEach(adopt);
  new MutationObserver((changes) => {
    const nodes = changes.flatMap(({ target, addedNodes }) => [target, ...addedNodes]);
    nodes.filter((node) => node instanceof HTMLStyleElement).forEach(adopt);
  }).observe(document, { childList: true, subtree: true });
}

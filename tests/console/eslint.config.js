import js from "@eslint/js";
import globals from "globals";

const banned = ["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc", "parseFromString"];

export default [
  js.configs.recommended,
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: { ...globals.browser, ...globals.node } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-implied-eval": "error",
      "no-eval": "error",
      "no-new-func": "error",
      "no-control-regex": "off", // control characters are what some patterns are about
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-restricted-properties": ["error", { object: "document", property: "write" }, ...banned.map((property) => ({ property, message: "Text from a node must stay text." }))],
      "max-lines": ["error", { max: 330, skipComments: true, skipBlankLines: true }],
    },
  },
];

// Parses firebase command lines with firebase-tools' own parser and runs none: no network, no login.
// usage: node parse_firebase.js FIREBASE_TOOLS_FOLDER [FIREBASE_JSON] < LINES
// Exit code 1 if a line does not parse, or the configuration does not fit its schema.
"use strict";

const path = require("path");
const { Command } = require(path.join(process.argv[2], "lib/command"));
let parsed;
Command.prototype.runner = function () {
  return (...values) => {
    parsed = { name: this.name, values, options: values[values.length - 1] };
    return Promise.resolve();
  };
};
const client = require(process.argv[2]);

const words = (line) => line.match(/'[^']*'|[^\s']+/g).map((word) => word.replace(/^'|'$/g, ""));
let bad = 0;
for (const line of require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [, name, ...rest] = words(line);
  parsed = undefined;
  const command = client.getCommand(name);
  const known = command && [...client.cli.options, ...command.options].flatMap((o) => [o.short, o.long]);
  const strange = command ? rest.filter((word) => word.startsWith("-") && !known.includes(word)) : [name];
  if (command) client.cli.parse(["node", "firebase", name, ...rest]);
  if (strange.length || !parsed) {
    console.error(`does not parse: ${line} (${strange})`);
    bad = 1;
  }
}
if (process.argv[3]) {
  const Ajv = require(path.join(process.argv[2], "..", "ajv")).default;
  const schema = require(path.join(process.argv[2], "schema/firebase-config.json"));
  const fits = new Ajv({ strict: false, allErrors: true }).compile(schema);
  if (!fits(require(path.resolve(process.argv[3])))) {
    console.error(fits.errors);
    bad = 1;
  }
}
process.exit(bad);

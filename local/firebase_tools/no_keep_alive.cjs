// The functions emulator keeps its connections to gunicorn, which closes each after two seconds: a
// request that is sent at that moment ends with "socket hang up", which the emulator answers with 500.
const http = require("node:http");
http.globalAgent = new http.Agent({ keepAlive: false });

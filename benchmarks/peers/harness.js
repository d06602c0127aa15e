"use strict";
/* Runs one engine: reads the job that peers.py wrote, times the engine by itself, prints the result as JSON. */
const fs = require("fs");
const path = require("path");

/** Repeat an action at least `count` times and at least `seconds`; return how often it ran and its last result. */
async function repeat(action, count, seconds) {
  const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  let done = 0;
  let result;
  while (done < count || process.hrtime.bigint() < end) {
    result = await action();
    done += 1;
  }
  return [done, result];
}

/** Return the version of an installed package, from its package.json. */
function version(name) {
  for (const folder of require.resolve.paths(name)) {
    const file = path.join(folder, name, "package.json");
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, "utf8")).version;
  }
  return "?";
}

/**
 * Time one mode of an engine.
 * `modes` maps "cold" and "warm" to functions (templateFile, templateBytes, data) => (() => bytes or a promise).
 */
async function main(packages, modes) {
  const job = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const data = JSON.parse(fs.readFileSync(job.data, "utf8"));
  const action = modes[job.mode](job.template, fs.readFileSync(job.template), data);
  if (job.warmup) await repeat(action, 2, job.warmup);
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const [done, result] = await repeat(action, job.reports, job.seconds);
  const wall = Number(process.hrtime.bigint() - start) / 1e6;
  const used = process.cpuUsage(cpu);
  fs.writeFileSync(job.output, result);
  const versions = Object.fromEntries([...packages.map((name) => [name, version(name)]), ["node", process.versions.node]]);
  const timing = { wall: wall / done, cpu: (used.user + used.system) / 1e3 / done, count: done };
  console.log(JSON.stringify({ ...timing, versions }));
}

module.exports = (packages, modes) =>
  main(packages, modes).catch((error) => {
    console.error(error && error.stack ? error.stack : String(error));
    process.exit(1);
  });

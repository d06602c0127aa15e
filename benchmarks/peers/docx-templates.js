"use strict";
/*
 * docx-templates takes the bytes of the template for every report and keeps nothing of it. Fastest: without the
 * sandbox (https://github.com/guigrpa/docx-templates#performance--security); its deflate level is 1 by default.
 */
const { createReport } = require("docx-templates");

function cold(template, bytes, data) {
  return () => createReport({ template: bytes, data });
}

function warm(template, bytes, data) {
  return () => createReport({ template: bytes, data, noSandbox: true });
}

require("./harness.js")(["docx-templates"], { cold, warm });

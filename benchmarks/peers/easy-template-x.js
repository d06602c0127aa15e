"use strict";
/*
 * easy-template-x: process() takes the bytes of the template for every report. The README
 * (https://github.com/alonrbar/easy-template-x#node-example) knows no way to keep a template, nor an option that
 * makes it faster; what can be kept is the handler.
 */
const { TemplateHandler } = require("easy-template-x");

function cold(template, bytes, data) {
  return () => new TemplateHandler().process(bytes, data);
}

function warm(template, bytes, data) {
  const handler = new TemplateHandler();
  return () => handler.process(bytes, data);
}

require("./harness.js")(["easy-template-x"], { cold, warm });

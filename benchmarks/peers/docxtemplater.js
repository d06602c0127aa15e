"use strict";
/*
 * docxtemplater with PizZip, its default parser over flat data (the fastest: no expressions are compiled).
 * A rendered document cannot be rendered again, and render() changes the zip it was given
 * (https://github.com/open-xml-templating/docxtemplater/issues/323), so that no compiled template can be kept.
 * Fastest: the zip is read once and cloned (zip.clone() in https://github.com/open-xml-templating/pizzip, CHANGES.md),
 * and the output is deflated at "best speed" (ZipOptions in docxtemplater.d.ts).
 * cold is the example of https://docxtemplater.com/docs/get-started-node/.
 */
const PizZip = require("pizzip");
const Docxtemplater = require("docxtemplater");

function render(zip, data, options) {
  const document = new Docxtemplater(zip, { paragraphLoop: true, linebreaks: true });
  document.render(data);
  return document.toBuffer(options);
}

function cold(template, bytes, data) {
  return () => render(new PizZip(bytes), data, {});
}

function warm(template, bytes, data) {
  const zip = new PizZip(bytes);
  return () => render(zip.clone(), data, { compressionOptions: { level: 1 } });
}

require("./harness.js")(["docxtemplater", "pizzip"], { cold, warm });

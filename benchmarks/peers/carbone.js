"use strict";
/*
 * Carbone, community edition. It opens the template file anew for every report, and neither its README
 * (https://github.com/carboneio/carbone#api-reference) nor its documentation (https://carbone.io/documentation.html)
 * knows a way to keep a template: both modes are the documented call.
 */
const carbone = require("carbone");

function render(template, bytes, data) {
  return () =>
    new Promise((resolve, reject) => {
      carbone.render(template, data, {}, (error, result) => (error ? reject(error) : resolve(result)));
    });
}

require("./harness.js")(["carbone"], { cold: render, warm: render });

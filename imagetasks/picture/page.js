"use strict";
const { title, data } = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
document.querySelector("h1").textContent = title;

// Texts come from projects: they only ever become text, never markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
const seconds = value => `${value.toFixed(1)} s`;

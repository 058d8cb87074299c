"use strict";
// Shows the document of this listener. What is typed to authorize requests stays in this page and
// is gone when it is closed or loaded again.
const reference = document.getElementById("reference");
SwaggerUIBundle({
  url: reference.dataset.document,
  domNode: reference,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  queryConfigEnabled: false,
  syntaxHighlight: { activated: true, theme: "agate" },
  tagsSorter: "alpha",
  tryItOutEnabled: false,
  validatorUrl: null,
  withCredentials: false,
});

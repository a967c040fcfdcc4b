// Draws the OpenAPI document. Requests that are tried out go to this toban, with
// the session of the pages or the token that is given under Authorize.
window.ui = SwaggerUIBundle({
  url: new URL("../api/v1/openapi.json", document.baseURI).href,
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  showCommonExtensions: true,
  tagsSorter: null,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});

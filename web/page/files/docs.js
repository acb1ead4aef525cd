// Shows openapi.json with Swagger UI.
SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null, // the description is sent nowhere
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});

// Shows the document, and sends what is tried out to the server that it came from.
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#document',
  deepLinking: true,
  displayRequestDuration: true,
  // Checking the document is a test's work, and its service is elsewhere.
  validatorUrl: null,
});

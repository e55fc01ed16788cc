// Shows the document, for reading.
Redoc.init('/openapi.json', {}, document.getElementById('document'));

// Shows the document. Its styles are made by its script, which the page's policy allows by this nonce alone.
const place = document.getElementById('document');
Redoc.init('/openapi.json', { hideLogo: true, hideDownloadButton: false, nonce: place.dataset.nonce }, place);

// Replaced at deployment; never cached for long, so that a new value needs no new build.
window.API_URL = "/api"; // where the API is; another origin needs an entry in the page's connect-src, too
window.VERSION_LABEL = "local"; // shown at the foot of every page
window.CURRENCY = "USD"; // prices carry no currency of their own
window.STAMPS = []; // regions whose stamps the status view shows, such as "West Europe"; none: the one that answers
window.EDGE_STATUS_URL = ""; // where the edge tells about itself; Front Door does not

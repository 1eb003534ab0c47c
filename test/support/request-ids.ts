/**
 * How the ids look that the proxy gives requests: the direct plane's, and nginx's with host, port, numbers of connection and request, time.
 */
export const OWN_REQUEST_ID = /^(?:[0-9a-f]{32}|[!#-[\]-~]{1,64}-\d+-\d+-\d+-\d{10}\.\d{3})$/;

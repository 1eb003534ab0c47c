/**
 * How the ids look that the proxy gives requests: the direct plane's, and nginx's with place, numbers of connection and request, time.
 */
export const OWN_REQUEST_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{12}-\d+-\d+-\d{10}\.\d{3})$/;

// Package api is the HTTP face of a running node, and the client of that face.
//
// Paths are versioned (/v1/…), described by OpenAPI 3.1 at /openapi.json generated
// from this code, errors are problem details (RFC 9457) with the ledger's stable
// codes, and amounts are integers in tiyn. The log's public parts are served as the
// C2SP specifications say (/checkpoint, /tile/…). Requests are limited in size and time.
//
// A transaction's id is its idempotency key: sent twice, it gets the same answer.
package api

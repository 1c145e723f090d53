// Package httplimit keeps strangers from taking a server's memory, connections and files from everybody: budgets in all
// and for each address of connections, requests under way, bytes of bodies and streams, and a least pace at which a
// body must come.
package httplimit

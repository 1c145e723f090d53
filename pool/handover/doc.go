// Package handover passes open sockets and a description of them from one process to another over a Unix socket, so
// that a service is replaced without closing a connection. It imports nothing of this module. The receiver may die at
// any point: the sender keeps its own copies of the sockets until it has been told that they are served.
package handover

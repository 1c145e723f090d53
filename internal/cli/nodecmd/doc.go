// Package nodecmd is the commands of who runs a node: init, up, follow, status, access and TLS.
package nodecmd

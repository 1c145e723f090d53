// Package nodecmd is the commands of who runs a node: init, up, follow, peers, access and TLS.
package nodecmd

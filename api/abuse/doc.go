// Package abuse measures what strangers can do to honest payers: payments and their waiting beside attackers, held
// against the same payers beside the same attackers whose target throws all away, since attackers take the processor's
// time too. The node, the attackers and what throws all away are processes of their own, on this machine's loopback,
// bounded in time and number.
package abuse

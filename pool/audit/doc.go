// Package audit recomputes a pool's log, of which it needs nothing else: what every block and scheme
// pays whom, where the log contradicts itself or the chain, and the report that the state wants. It
// runs the same accounting as the pool.
//
// It may import bitcoin, params and the pool's packages of records and accounts, not pool itself.
package audit

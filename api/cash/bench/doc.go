// Package bench measures a cash office: its arithmetic, durable swaps in the process and through HTTP, and the memory
// and restart of its books. The ledger that it settles on is not part of it. It belongs to api/cash.
package bench

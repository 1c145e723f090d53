// Package usage measures how extensively, intensively and efficiently a network,
// a currency or a machine is used, what is left in reserve, what a payment and
// a coin cost in money and electricity, and puts the digital tenge into the
// same table. The coefficients are those of the economics of equipment:
// K_ext = T_fact/T_norm, K_int = q_fact/q_norm, K = K_ext·K_int.
//
// It imports market and market/stats. What a file does not hold is "not
// available", never 0.
package usage

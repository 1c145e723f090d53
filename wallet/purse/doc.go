// Package purse runs an offline purse on a device: its file, its key, and the exchange with another device over a pipe,
// a cable or files. What a payment is and who checks what is package purse at the module's root; here every new state
// is durable before anything that rests on it leaves the device (the payer writes before it shows, the payee before it
// says yes), so that a device that dies anywhere finds the payment whole, or not begun.
//
// A purse is never restored from a copy: a copy that pays is a clone, and convicts its owner.
package purse

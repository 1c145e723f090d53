// Package farms is the HTTP face of a farm that is watched, described by OpenAPI, and its client: machines, polls,
// alerts, repairs, orders and months, to whoever shows an access token whose role and part of the farm reach so far.
//
// It belongs to the api room: of other lines it imports the farm's rooms only. Nothing here gives an order to a
// machine: orders are written down, and 'aqsha farm orders run' lets them out.
//
// Invariants: every operation is registered with the least role that it is for (register), and sees machines through
// an access's part of the farm (selected); what is listed is paged and bounded; access tokens are kept as hashes.
package farms

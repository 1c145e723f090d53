// Package bid says what to bid for a kWh in a pay-as-bid auction.
//
// Who bids the ceiling pays the ceiling and earns nothing. The bid maximises
// (ceiling − bid)·P(accepted), with P the weight of the past clearing prices that the
// bid would have met, within the auction's floor and cap.
//
// It belongs to planner/power and imports money and params. Invariants: integers only;
// no bid above the ceiling, none outside the limits; among equal bids the lowest.
package bid

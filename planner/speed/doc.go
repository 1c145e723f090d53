// Package speed measures the planner: imagined futures with machines valued along them,
// and a day's schedule of a large farm. Its inputs are simulated.
package speed

// Package strict reads TOML files that people write, and says where they are wrong:
// every problem names the key and the line.
//
// Unknown keys are refused, because a misspelt key that is silently ignored gives a
// plausible wrong answer. It imports the TOML library and the standard library.
package strict

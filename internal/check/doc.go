// Package check holds tests on the source tree itself: which room may import
// which, how long a file may be, and what no file may name.
package check

//go:build !race

package pipeline_test

// slowdown is how much slower the matrix takes a machine to be.
const slowdown = 1

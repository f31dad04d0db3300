package main

import (
	"os"
	"runtime/debug"
)

const (
	// gcPercent lets the heap of the daemon, a few MiB, grow to four times what
	// is in use between two collections. With Go's own 100 they take a quarter
	// of the time that a mailbox is drained in.
	gcPercent = 300
	// memoryLimit is where collections become more frequent again, so that a
	// very large mail does not take four times its size.
	memoryLimit = 128 << 20
)

// useMemory sets how much memory the daemon uses to spare work. GOGC and
// GOMEMLIMIT in the environment win.
func useMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

//go:build !linux

package ingest_test

import "testing"

func dovecot(t *testing.T) mailServer {
	t.Skip("Dovecot is started on Linux only")
	return nil
}

func plainAddress(mailServer) string { return "" }

package bench

import (
	"time"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// alerts are n alerts about the computers in turn, each an event of its own.
func alerts(n int, computers []sepm.Computer) [][]byte {
	mails := make([][]byte, n)
	for i := range mails {
		mails[i] = alertMail(i, computers[i%len(computers)])
	}
	return mails
}

func alertMail(i int, c sepm.Computer) []byte {
	first := time.Date(2026, 2, 28, 3, 0, 0, 0, time.UTC)
	return alert.About(i, c).Mail(first.Add(time.Duration(i) * time.Second))
}

package alert_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

// TestMailAgreesWithSEPM holds each mail to the record of its computer.
func TestMailAgreesWithSEPM(t *testing.T) {
	const n = 600
	addresses := map[string]bool{}
	for i, c := range sepm.Fleet(1, n) {
		text := string(alert.About(i, c).Mail(time.Now()))
		_, err := mail.ReadMessage(strings.NewReader(text))
		require.NoError(t, err)
		for _, line := range []string{"Computer: " + c.Name, "IP Address: " + c.IPs[0], "Client Group: " + c.Group.Name, "User: " + c.User} {
			require.Contains(t, text, "\r\n"+line+"\r\n")
		}
		addresses[c.IPs[0]] = true
	}
	require.Len(t, addresses, n)
}

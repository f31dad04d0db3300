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

// TestInfect holds the files to the alerts: what one names lies on its computer.
func TestInfect(t *testing.T) {
	t.Parallel()
	fleet := sepm.Fleet(1, 50)
	alert.Infect(fleet)
	contents := map[string]string{}
	for i, c := range fleet {
		if !strings.HasPrefix(c.OS, "Win") {
			require.Empty(t, c.Files)
			continue
		}
		require.Len(t, c.Files, 1)
		require.Equal(t, alert.About(i, c).Path, c.Files[0].Path)
		if before, ok := contents[c.Files[0].Path]; ok {
			require.Equal(t, before, string(c.Files[0].Content), "one risk is one file")
		}
		contents[c.Files[0].Path] = string(c.Files[0].Content)
	}
	require.Len(t, contents, 5)
}

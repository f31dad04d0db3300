package sepclient

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a dry run hands over is what SEPM gets otherwise, byte for byte, all of
// its parts; what reads goes out all the same.
func TestDryRun(t *testing.T) {
	t.Parallel()
	var got []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			write(w, 200, map[string]any{"id": "L", "name": "Blacklist", "hashType": "MD5", "data": []string{strings.Repeat("AB", 16)}})
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("Content-Type"), " ", string(body)))
		if strings.Contains(r.URL.Path, "fingerprints") {
			write(w, 500, nil) // an edit that took is waited for
			return
		}
		write(w, 200, map[string]string{"commandID_computer": "C0"})
	})
	wet := s.client(t)
	var withheld []string
	dry := s.client(t, func(o *Options) {
		o.DryRun = func(w Withheld) {
			withheld = append(withheld, fmt.Sprint(w.Method, " ", strings.TrimPrefix(w.URL, s.URL), " ", w.ContentType, " ", string(w.Body)))
		}
	})
	scan := Scan{Evidence: []Evidence{{Name: `C:\a&b.exe`}}}
	many := Targets{Computers: computers(400), Groups: []string{"G1"}}
	for name, send := range map[string]func(c *Client) error{
		"command": func(c *Client) error {
			_, err := c.UndoQuarantine(t.Context(), Targets{Computers: computers(1)})
			return err
		},
		"in parts": func(c *Client) error { _, err := c.Scan(t.Context(), many, scan); return err },
		"move":     func(c *Client) error { _, err := c.MoveComputers(t.Context(), Move{"K", "G"}); return err },
		"delete":   func(c *Client) error { return c.DeleteFingerprintList(t.Context(), "L") },
		"assign":   func(c *Client) error { return c.AssignLockdown(t.Context(), "G", "L") },
		"edit list": func(c *Client) error {
			_, err := c.EditFingerprintList(t.Context(), "L", "D", ListEdit{Add: []string{strings.Repeat("CD", 16)}})
			return err
		},
	} {
		got, withheld = nil, nil
		require.ErrorIs(t, send(dry), ErrWithheld, name)
		require.NotEmpty(t, withheld, name)
		require.Empty(t, got, name)
		_ = send(wet) // what comes of it is not asked here
		require.Equal(t, got[:len(withheld)], withheld, name)
		if name == "in parts" {
			require.Greater(t, len(withheld), 2)
			require.Len(t, got, len(withheld))
		}
	}
}

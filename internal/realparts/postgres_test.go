//go:build linux

package realparts

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// folder is where the server of a URL keeps its socket and data.
func folder(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	return u.Query().Get("host")
}

func TestPostgresServesAndLeavesNothing(t *testing.T) {
	var dir string
	t.Run("server", func(t *testing.T) {
		server := Postgres(t)
		dir = folder(t, server)
		conn, err := pgx.Connect(t.Context(), server)
		require.NoError(t, err)
		var fsync, encoding string
		require.NoError(t, conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync))
		require.Equal(t, "on", fsync)
		require.NoError(t, conn.QueryRow(t.Context(), "SHOW server_encoding").Scan(&encoding))
		require.Equal(t, "UTF8", encoding)

		_, err = conn.Exec(t.Context(), "CREATE TABLE mine (id BIGINT)")
		require.NoError(t, err)
		other, err := pgx.Connect(t.Context(), PostgresDatabase(t, server))
		require.NoError(t, err)
		_, err = other.Exec(t.Context(), "SELECT * FROM mine")
		require.ErrorContains(t, err, "does not exist", "databases are apart")
		// Neither connection is closed: the server stops all the same.
	})
	if dir != "" {
		require.NoDirExists(t, dir)
	}
}

// TestPostgresEndsWithTheProcess kills a process that runs a server, as a
// time-out of `go test` does, which runs no cleanup.
func TestPostgresEndsWithTheProcess(t *testing.T) {
	if os.Getenv("SEPWATCH_HOLD_POSTGRES") != "" {
		os.Stdout.WriteString(folder(t, Postgres(t)) + "\n")
		select {}
	}
	Need(t, "PostgreSQL", "initdb", "/usr/lib/postgresql/*/bin/initdb")
	holder := exec.Command(os.Args[0], "-test.run=^TestPostgresEndsWithTheProcess$")
	holder.Env = append(os.Environ(), "SEPWATCH_HOLD_POSTGRES=1")
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	dir := strings.TrimSpace(line)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.FileExists(t, filepath.Join(dir, "data", "postmaster.pid"))
	require.NoError(t, holder.Process.Kill())
	require.Error(t, holder.Wait())
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid"))
		return os.IsNotExist(err)
	}, stopTime, 20*time.Millisecond, "the server removes its pid file when it stops")
}

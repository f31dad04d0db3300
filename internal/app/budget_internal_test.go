package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
)

// Entries of one server share its budget, whatever their domains.
func TestBudgetIsTheServers(t *testing.T) {
	t.Parallel()
	of := func(m config.SEPM) ledger.Budget { return budget(m, Options{}, nil).(*pipeline.Budget).Budget }
	one := config.SEPM{Name: "one", URL: "https://sepm.example.com:8446/", Domain: "Default", RequestsPerMinute: 45}
	other := one
	other.Name, other.URL, other.Domain = "other", "https://sepm.example.com:8446", "Other"
	require.Equal(t, ledger.Budget{Server: "sepm.example.com:8446", PerMinute: 45}, of(one))
	require.Equal(t, of(one), of(other))
	one.RequestsPerMinute = 0
	require.Nil(t, budget(one, Options{}, nil))
}

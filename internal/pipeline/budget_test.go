package pipeline_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/rules"
)

// allowance is a Resilient of which a test says how many steps may begin.
type allowance struct {
	pipeline.Resilient
	left  atomic.Int64
	asked atomic.Int64
}

func (a *allowance) Spare() int {
	a.asked.Add(1)
	return int(max(0, a.left.Swap(0)))
}

// A backlog is worked off at the speed that the budget allows.
func TestDeliveryKeepsToItsBudget(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true}})
	a := &allowance{Resilient: b.settings.Resilient}
	b.settings.Resilient = a
	// Nothing is looked up, so that each incident is one step.
	b.settings.Rules = rules.New(rules.Options{Subjects: rules.DefaultSubjects()})
	for i := range 10 {
		b.receive(alert(fmt.Sprintf("HOST-%d", i)))
	}
	b.start()
	for total := range 4 {
		asked := a.asked.Load()
		require.Eventually(t, func() bool { return a.asked.Load() > asked+1 }, 20*time.Second, 10*time.Millisecond)
		require.Len(t, b.open(), 2*total)
		a.left.Store(2)
		require.Eventually(t, func() bool { return len(b.open()) == 2*total+2 }, 20*time.Second, 10*time.Millisecond)
	}
}

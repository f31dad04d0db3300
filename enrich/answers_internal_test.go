package enrich

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/sepclient"
)

// Names share a key just if they are the same name.
func TestFold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]rune("aAkKſsSσςΣİiIıäÄßẞ-1\x00\ufffd"))
		a := rapid.StringOf(letters).Draw(t, "a")
		b := rapid.OneOf(rapid.StringOfN(letters, 0, len([]rune(a)), -1), rapid.Just(strings.ToLower(a)), rapid.Just(strings.ToUpper(a)), rapid.Just(a+"\xff")).Draw(t, "b")
		require.Equal(t, sameComputer(a, b), fold(a) == fold(b))
	})
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var a answers
	now := time.Now()
	large := []sepclient.Computer{{Name: "H", Description: strings.Repeat("x", 100_000), IPAddresses: []string{strings.Repeat("1", 100_000)}}}
	for i := range 1000 {
		key := fmt.Sprint(i % 500)
		a.put(key, large, now)
		_, found := a.get(key, now)
		require.True(t, found)
		require.LessOrEqual(t, a.size, maxAnswers)
		require.LessOrEqual(t, len(a.byKey), 42)
	}
	require.Len(t, a.inOrder, 41, "the newest stay")
	_, found := a.get("499", now.Add(answerAge))
	require.False(t, found)

	a.put("new", nil, now.Add(answerAge))
	require.Len(t, a.byKey, 1, "what is too old goes")
	computers, found := a.get("new", now.Add(answerAge))
	require.True(t, found, "that SEPM knows no such computer is an answer too")
	require.Empty(t, computers)

	a.put("giant", []sepclient.Computer{{Description: strings.Repeat("x", maxAnswers)}}, now.Add(answerAge))
	require.Empty(t, a.byKey, "what is too large is not kept")
	require.Zero(t, a.size)
}

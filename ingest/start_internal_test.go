package ingest

import (
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"
)

func TestPlaceAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		oldest uint32
		young  imap.UIDSet
		mark   uint32
		holes  []uint32
	}{
		"nothing there":       {},
		"in order":            {7, imap.UIDSet{{Start: 8, Stop: 20_000}}, 7, []uint32{}},
		"out of order":        {7, imap.UIDSet{{Start: 2, Stop: 3}, {Start: 6, Stop: 6}, {Start: 9, Stop: 9}}, 7, []uint32{2, 3, 6}},
		"none old":            {0, imap.UIDSet{{Start: 3, Stop: 5}}, 0, []uint32{}},
		"none young":          {9, nil, 9, nil},
		"as many as may be":   {maxHoles + 2, imap.UIDSet{{Start: 2, Stop: maxHoles + 1}}, maxHoles + 2, span(2, maxHoles+1)},
		"too many to be kept": {maxHoles + 3, imap.UIDSet{{Start: 2, Stop: maxHoles + 2}}, 1, nil},
		"hostile":             {^uint32(0), imap.UIDSet{{Start: 1, Stop: ^imap.UID(0)}}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			mark, holes := placeAfter(tc.oldest, tc.young)
			require.Equal(t, tc.mark, mark)
			require.Equal(t, tc.holes, holes)
		})
	}
}

func span(first, last uint32) (uids []uint32) {
	for uid := first; uid <= last; uid++ {
		uids = append(uids, uid)
	}
	return uids
}

package sepclient

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCriticalEvents(t *testing.T) {
	var asked string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		io.WriteString(w, `{"criticalEventsInfoList":[
			{"eventId":"E1","eventDateTime":"2019-02-27 14:02:15.0","subject":"CRITICAL: OLD DEFINITIONS","message":"One.\r\n\t<b>Two &amp; three</b><br>four","acknowledged":0},
			{"eventId":"E2","eventDateTime":"2019-02-28 14:02:15.5","subject":"s","message":"&lt;p&gt;A &lt;b&gt;bold&lt;/b&gt; word&lt;/p&gt;&lt;p&gt;x &amp;lt; y&lt;/p&gt;","acknowledged":1},
			{"eventId":"E1","eventDateTime":"2019-02-27 14:02:15.0","subject":"again","message":"","acknowledged":0},
			{"eventId":"E3","eventDateTime":"yesterday","subject":null,"message":"a &lt;none&gt; of 2 < 3","acknowledged":null},
			{"eventId":"E0","eventDateTime":"2019-02-27T16:02:15+02:00","subject":"","message":"<script>x()</script>"}],
			"lastUpdated":1551276135000,"totalUnacknowledgedMessages":"7"}`)
	})
	events, err := s.client(t).CriticalEvents(t.Context(), true)
	require.NoError(t, err)
	require.Equal(t, "/sepm/api/v1/events/critical?includeAcknowledged=true", asked)
	at := time.Date(2019, 2, 27, 14, 2, 15, 0, time.UTC)
	require.Equal(t, CriticalEvents{
		Events: []CriticalEvent{
			{ID: "E2", Time: at.Add(24*time.Hour + 500*time.Millisecond), TimeText: "2019-02-28 14:02:15.5", Subject: "s", Message: "A bold word\nx < y", Acknowledged: true},
			{ID: "E0", Time: at, TimeText: "2019-02-27T16:02:15+02:00"},
			{ID: "E1", Time: at, TimeText: "2019-02-27 14:02:15.0", Subject: "CRITICAL: OLD DEFINITIONS", Message: "One.\nTwo & three\nfour"},
			{ID: "E3", TimeText: "yesterday", Message: "a <none> of 2 < 3"},
		},
		Unacknowledged: 7, LastUpdated: at,
	}, events)
	_, err = s.client(t).CriticalEvents(t.Context(), false)
	require.NoError(t, err)
	require.Contains(t, asked, "includeAcknowledged=false")
}

func TestCriticalEventsWithoutAList(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"lastUpdated":1}`) })
	_, err := s.client(t).CriticalEvents(t.Context(), false)
	requireError(t, err, Temporary, "no list of events")
}

func TestAcknowledgeEvent(t *testing.T) {
	for _, tt := range []struct {
		status  int
		body    string
		class   Class
		failure string
	}{
		{200, ``, "", ""},
		{200, `{}`, "", ""},
		{400, `{"errorCode":"4104","errorMessage":"notification not found"}`, Permanent, "notification not found: SEPM lets events of this kind be acknowledged in its console only"},
		{500, `{"errorCode":"4104","errorMessage":"notification not found"}`, Permanent, "in its console only"},
		{404, ``, NotFound, "404"},
		{500, ``, Ambiguous, "500"},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "POST /sepm/api/v1/events/acknowledge/E%2F1", r.Method+" "+r.URL.EscapedPath())
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body)
		})
		err := s.client(t).AcknowledgeEvent(t.Context(), "E/1")
		if tt.class == "" {
			require.NoError(t, err)
			continue
		}
		e := requireError(t, err, tt.class, tt.failure)
		require.Equal(t, tt.class == Permanent, e.Code == CodeNotAcknowledgeable)
	}
}

func TestOnlineStatus(t *testing.T) {
	body := `{"lastUpdated":1551276135000,"clientCountStatsList":[{"status":"ONLINE","clientsCount":3},{"status":"Offline","clientsCount":"4"},{"status":"UNKNOWN","clientsCount":1}]}`
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
	status, err := s.client(t).OnlineStatus(t.Context())
	require.NoError(t, err)
	require.Equal(t, OnlineStatus{Online: 3, Offline: 4, Other: map[string]int{"UNKNOWN": 1}, LastUpdated: time.Date(2019, 2, 27, 14, 2, 15, 0, time.UTC)}, status)
	body = `{}`
	_, err = s.client(t).OnlineStatus(t.Context())
	requireError(t, err, Temporary, "no counts")
}

-- wrk's requests: POST /v1/entities. It counts answers other than 200.
wrk.method = "POST"
wrk.path = "/v1/entities"
wrk.body = '{"text": "Angela Merkel went to Hamburg."}'
wrk.headers["Content-Type"] = "application/json"
function done(summary)
  local e = summary.errors
  io.write(string.format("\nanswers %d failed %d\n", summary.requests, e.connect + e.read + e.write + e.status + e.timeout))
end

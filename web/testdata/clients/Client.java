import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Java's HttpClient against / and /v1/entities. By default it asks for HTTP/2 with an Upgrade
 * field in each first request on a connection.
 */
public class Client {
    static final String BODY = "{\"text\": \"Ada 😀 met Grace in Zürich.\", \"offsets\": \"utf16\"}";

    public static void main(String[] args) throws Exception {
        for (HttpClient.Version version : HttpClient.Version.values()) {
            HttpClient client = HttpClient.newBuilder().version(version).build();
            URI uri = URI.create(args[0] + "/v1/entities");
            HttpRequest whole = HttpRequest.newBuilder(uri).header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString(BODY)).build();
            String want = ask(client, whole);
            if (!want.contains("\"text\":\"Grace\"")) {
                throw new AssertionError(want);
            }
            // Without a length the body is chunked.
            List<byte[]> pieces = new ArrayList<>();
            for (byte b : BODY.getBytes("UTF-8")) {
                pieces.add(new byte[] {b});
            }
            same(ask(client, HttpRequest.newBuilder(uri).header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofByteArrays(pieces)).build()), want);
            same(ask(client, HttpRequest.newBuilder(uri).header("Content-Type", "application/json")
                    .expectContinue(true).POST(BodyPublishers.ofString(BODY)).build()), want);
            List<CompletableFuture<String>> many = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                many.add(client.sendAsync(whole, BodyHandlers.ofString()).thenApply(r -> r.statusCode() + r.body()));
            }
            for (CompletableFuture<String> answer : many) {
                same(answer.get(), "200" + want);
            }
            HttpRequest get = HttpRequest.newBuilder(URI.create(args[0] + "/")).header("Content-Type", "application/json")
                    .method("GET", BodyPublishers.ofString("{\"i_request\": 1, \"text\": \"Ada\"}")).build();
            same(ask(client, get), "{\"Ada\":\"LAST\"}");
        }
    }

    static String ask(HttpClient client, HttpRequest request) throws Exception {
        var r = client.send(request, BodyHandlers.ofString());
        if (r.statusCode() != 200) {
            throw new AssertionError(r.statusCode() + " " + r.body());
        }
        return r.body();
    }

    static void same(String got, String want) {
        if (!got.equals(want)) {
            throw new AssertionError("got " + got + "\nwant " + want);
        }
    }
}

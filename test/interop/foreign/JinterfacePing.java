import com.ericsson.otp.erlang.OtpErlangAtom;
import com.ericsson.otp.erlang.OtpErlangObject;
import com.ericsson.otp.erlang.OtpErlangTuple;
import com.ericsson.otp.erlang.OtpMbox;
import com.ericsson.otp.erlang.OtpNode;

/**
 * A foreign client in Java: pings a node and, given a registered name there, sends it {self(), hello} and prints what
 * comes back. Usage: JinterfacePing SELF COOKIE PEER [NAME]. Exit code 0 when the peer answered everything.
 */
public final class JinterfacePing {
    private static final long TIMEOUT_MS = 5_000;

    public static void main(String[] args) throws Exception {
        OtpNode self = new OtpNode(args[0], args[1]);
        try {
            System.exit(talk(self, args[2], args.length > 3 ? args[3] : null) ? 0 : 1);
        } finally {
            self.close();
        }
    }

    private static boolean talk(OtpNode self, String peer, String name) throws Exception {
        boolean pong = self.ping(peer, TIMEOUT_MS);
        System.out.println(pong ? "pong" : "pang");
        if (!pong || name == null) {
            return pong;
        }
        OtpMbox mailbox = self.createMbox();
        mailbox.send(name, peer, new OtpErlangTuple(new OtpErlangObject[] {mailbox.self(), new OtpErlangAtom("hello")}));
        OtpErlangObject answer = mailbox.receive(TIMEOUT_MS);
        System.out.println(answer == null ? "no answer" : "received " + answer);
        return answer != null;
    }
}

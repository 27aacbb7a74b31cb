import java.util.Arrays;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;

/** Flyway has no command among its packages: its API by these three words. */
class FlywayTool {
  public static void main(String[] args) {
    Flyway flyway = Flyway.configure().dataSource(args[1], args[2], "").locations("filesystem:" + args[3]).load();
    switch (args[0]) {
      case "migrate" -> System.out.println(flyway.migrate().migrationsExecuted);
      case "validate" -> flyway.validate();
      case "info" -> {
        for (MigrationInfo one : flyway.info().all()) System.out.println(one.getState() + " " + one.getScript());
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
  }
}
